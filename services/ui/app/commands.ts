// Pure: which commands fit what is typed, those that begin so first.

export interface Command {
  kind: "do" | "go to" | "panel" | "task";
  name: string;
  /** For what may be called the same. */
  id?: string;
  run: () => void;
}

/** Each word has to be in it, wherever; in the order given, but for those with a word that begins as the text does. */
export function matching(commands: readonly Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const named = ({ kind, name }: Command) => `${kind} ${name}`.toLowerCase();
  const fitting = commands.filter((one) => words.every((word) => named(one).includes(word)));
  const [first = ""] = words;
  const begins = (one: Command) => first !== "" && one.name.toLowerCase().startsWith(first);
  return [...fitting.filter(begins), ...fitting.filter((one) => !begins(one))];
}
