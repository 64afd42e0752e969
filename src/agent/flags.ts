// Pure: the command line of every pi process (spec pi §2, §17.3).

export interface PiModel {
  provider: string;
  id: string;
  /** `off minimal low medium high xhigh`. */
  thinking: string;
}

/**
 * The extension puts the real prompts in the place of these: a text could name a file, and an empty one means pi's own
 * prompt.
 */
const SYSTEM_PROMPT_MARK = "reef: system prompt follows";
const APPENDED_PROMPT_MARK = "reef: appended prompt follows";

/** No `--tools`: that would lock the list for the life of the process. */
export function piFlags(model: PiModel): string[] {
  return [
    ...["--mode", "rpc", "--no-session", "--no-extensions", "--no-skills", "--no-prompt-templates"],
    ...["--no-themes", "--no-context-files"],
    ...["--model", `${model.provider}/${model.id}`, "--thinking", model.thinking],
    ...["--system-prompt", SYSTEM_PROMPT_MARK, "--append-system-prompt", APPENDED_PROMPT_MARK],
  ];
}
