// One deploy: the folder is copied once, and that copy is validated, tested, loaded and verified. Whatever fails, what
// was live stays live.
import { statSync } from "node:fs";
import { join } from "node:path";
import { ReefError } from "#core/errors.js";
import { routesOf } from "#core/http.js";
import type { Isolation, RegistryFace, ServiceCopy, TestReport, TriedVersion } from "#core/types.js";
import { createSteps, type Progress, type Step, StepFailed, type Steps } from "./steps.js";
import { verify } from "./verify.js";

export interface DeployJob {
  registry: RegistryFace;
  /** Absolute: where the folder is to be, to say what is missing. */
  servicesDir: string;
  /** The folder's name. */
  dir: string;
  isolation: Isolation;
  tell(progress: Progress): void;
}

export interface Outcome {
  /** The module's, or the folder's when it could not be imported. */
  name: string;
  steps: Step[];
  deployed: boolean;
  /** Of what was tried; null when nothing could be copied. */
  hash: string | null;
  /** Of what was live before, and still is when the deploy failed; null when nothing was. */
  previousHash: string | null;
  tests?: Pick<TestReport, "passed" | "failed">;
}

export interface DeployRun {
  readonly outcome: Readonly<Outcome>;
  /** A copy that is validated and tested; undefined when it did not pass. */
  tryOut(): Promise<ServiceCopy | undefined>;
  /** Loads and verifies such a copy. False when it did not pass: what was live is live again. */
  putLive(copy: ServiceCopy): Promise<boolean>;
}

/** Both parts reject only when reef itself cannot go on; a service that does not pass is an outcome. */
export function createRun(job: DeployJob): DeployRun {
  const steps = createSteps(job.tell);
  const outcome: Outcome = {
    name: job.dir,
    steps: steps.list,
    deployed: false,
    hash: null,
    previousHash: liveHash(job),
  };
  return {
    outcome,
    async tryOut() {
      const copy = await unlessFailed(stage(job, steps, outcome));
      if (copy && (await unlessFailed(test(copy, job, steps, outcome)))) return copy;
      return undefined;
    },
    async putLive(copy) {
      outcome.deployed = (await unlessFailed(load(copy, job, steps, outcome))) ?? false;
      return outcome.deployed;
    },
  };
}

async function unlessFailed<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof StepFailed) return undefined;
    throw error;
  }
}

async function stage(job: DeployJob, steps: Steps, outcome: Outcome): Promise<ServiceCopy> {
  const step = steps.begin("validate");
  try {
    const copy = await job.registry.stage(job.dir).catch((error) => {
      throw missing(job) ?? error;
    });
    outcome.hash = copy.hash;
    const { name } = await orDrop(copy, job, () => job.registry.tryImport(copy));
    outcome.name = name;
    step.passed(`exports ServiceModule "${name}"`);
    return copy;
  } catch (error) {
    throw step.failed(error);
  }
}

/** In the words of a deploy; undefined when the folder is there. */
function missing({ servicesDir, dir }: DeployJob): ReefError | undefined {
  const isThere = (path: string, kind: "isDirectory" | "isFile") =>
    statSync(join(servicesDir, path), { throwIfNoEntry: false })?.[kind]() ?? false;
  if (!isThere(dir, "isDirectory")) return new ReefError("bad_request", `Directory not found: ${dir}/`);
  if (!isThere(`${dir}/index.ts`, "isFile")) return new ReefError("bad_request", `No index.ts in ${dir}/`);
  return undefined;
}

async function test(copy: ServiceCopy, job: DeployJob, steps: Steps, outcome: Outcome): Promise<true> {
  const step = steps.begin("test");
  try {
    const report = await orDrop(copy, job, () => tested(copy, job, outcome));
    if (report === null) step.skipped("no test files found");
    else step.passed(countsIn(report));
    return true;
  } catch (error) {
    throw step.failed(error);
  }
}

async function tested(
  copy: ServiceCopy,
  { registry }: DeployJob,
  outcome: Outcome,
): Promise<TestReport | null> {
  const report = await registry.runTests(copy);
  if (report === null) return null;
  const { passed, failed, isFailure, output } = report;
  outcome.tests = { passed, failed };
  if (isFailure) throw new ReefError("bad_request", `${countsIn(report)}\n${output}`);
  return report;
}

function countsIn({ passed, failed, files }: TestReport): string {
  return `${passed} passed, ${failed} failed (${files} files)`;
}

/** The new version is up when it is verified: `load` has passed then, and what goes wrong is the fault of `verify`. */
async function load(copy: ServiceCopy, job: DeployJob, steps: Steps, outcome: Outcome): Promise<true> {
  const { registry, dir, isolation } = job;
  let step = steps.begin("load");
  outcome.previousHash = liveHash(job);
  const action = outcome.previousHash === null ? "added" : "updated";
  let verified = "";
  const check = async (version: TriedVersion) => {
    outcome.name = version.module.name;
    step.passed(`${action}: /${outcome.name}`);
    step = steps.begin("verify");
    await verify(version, copy.hash);
    verified = `live at /${outcome.name} (${routesOf(version.module).length} routes)`;
  };
  try {
    await registry.load(dir, { copy, verify: check, deploy: { isolation } });
    step.passed(verified);
    return true;
  } catch (error) {
    throw step.failed(error);
  }
}

function liveHash({ registry, dir }: DeployJob): string | null {
  return registry.list().find((module) => module.dir === dir)?.hash ?? null;
}

/** A copy that is not loaded is of no more use. */
async function orDrop<T>(copy: ServiceCopy, { registry }: DeployJob, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await registry.drop(copy);
    throw error;
  }
}
