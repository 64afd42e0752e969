// How large a service may be that comes from elsewhere, and how long getting it may take.

export const ENTRIES_MAX = 5_000;
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
export const PACKED_BYTES_MAX = 32 * 1024 * 1024;
export const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

/** For fetching with its checks, and for packages: each has so long. */
export const FETCH_MS = 120_000;
export const PACKAGES_MS = 120_000;

/** Installs, updates and removals at the same time. */
export const JOBS_MAX = 16;
