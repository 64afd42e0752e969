// The published table of scripts: the first whose prompt fits the newest text plays. Each family is one file in scripts/.
import type { Script } from "./script.js";
import { arithmetic, continuation } from "./scripts/arithmetic.js";
import { buildService } from "./scripts/build.js";
import { recall, remember } from "./scripts/memory.js";
import { listServices, subTask } from "./scripts/reef.js";
import { badArguments, empty, endless, long, maxTokens, slow, unknownTool } from "./scripts/shapes.js";
import { runOne, runSeveral, sayAndRun } from "./scripts/shell.js";
import { summary } from "./scripts/summary.js";
import { swarm, swarmWorker } from "./scripts/swarm.js";
import { callTools, threeTools } from "./scripts/tools.js";

export const scripts: readonly Script[] = [
  listServices,
  arithmetic,
  continuation,
  remember,
  recall,
  runSeveral,
  runOne,
  subTask,
  buildService,
  swarm,
  swarmWorker,
  threeTools,
  sayAndRun,
  callTools,
  slow,
  long,
  badArguments,
  unknownTool,
  endless,
  maxTokens,
  empty,
  summary,
];
