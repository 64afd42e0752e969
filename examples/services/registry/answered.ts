// Calls that may be refused: what the refusal says is no failure then, but news.

/** False when the server refused with this status; any other failure rejects. */
export async function unlessAnswered(status: number, call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === status) return false;
    throw error;
  }
}
