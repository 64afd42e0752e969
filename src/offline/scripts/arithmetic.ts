// Sums: worked out by a real shell, and carried on from the last number of the conversation.
import { script, use } from "../script.js";
import { outcome, signed } from "../words.js";

/** Characters of a sum. */
const EXPRESSION_MAX = 200;

export const arithmetic = script({
  prompts: ["What is 2+2?", "What is (7 - 3) * 12?"],
  does: "works the sum out with `bash` and answers `2+2 = 4`",
  needs: ["bash"],
  when: expressionOf,
  *play(expression) {
    const result = yield* use("bash", { command: `echo $((${expression}))` });
    return result.isError ? outcome(expression, result) : `${expression} = ${result.text}`;
  },
});

type Operation = (left: number, right: number) => number;

const OPERATIONS: Record<string, Operation> = {
  multiply: (left, right) => left * right,
  times: (left, right) => left * right,
  divide: (left, right) => left / right,
  add: (left, right) => left + right,
  plus: (left, right) => left + right,
  subtract: (left, right) => left - right,
  minus: (left, right) => left - right,
};

export const continuation = script({
  prompts: ["Now multiply by 10", "Multiply by 10", "Divide by 4", "Add 2", "Subtract 1"],
  does: "takes the last number of the conversation before it, without a tool, and answers `40`",
  when: /^(?:(?:and|now|then) )*(multiply|times|divide|add|plus|subtract|minus)(?: (?:it|that|this))?(?: by)? (-?\d+(?:\.\d+)?)\.?$/i,
  play([, verb = "", by = ""], { before }) {
    const last = lastNumber(before);
    if (last === undefined)
      return signed("There is no number in this conversation yet. Ask `What is 2+2?` first.");
    const value = OPERATIONS[verb.toLowerCase()]?.(last, Number(by)) ?? Number.NaN;
    return Number.isFinite(value)
      ? written(value)
      : signed(`I cannot ${verb.toLowerCase()} ${last} by ${by}.`);
  },
});

/** Nothing but digits, the four operators, brackets that match, points and spaces reaches the shell. */
function expressionOf(text: string): string | undefined {
  const expression = /^what(?: is|'s) ([\d+\-*/(). ]+?) ?\??$/i.exec(text)?.[1];
  if (!expression || expression.length > EXPRESSION_MAX || !/\d/.test(expression)) return undefined;
  return bracketsMatch(expression) ? expression : undefined;
}

function bracketsMatch(expression: string): boolean {
  let depth = 0;
  for (const character of expression) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function lastNumber(texts: readonly string[]): number | undefined {
  for (const text of texts.toReversed()) {
    const numbers = text.match(/(?<![\w.)])-?\d+(?:\.\d+)?|\d+(?:\.\d+)?/g);
    if (numbers) return Number(numbers.at(-1));
  }
  return undefined;
}

/** Without the digits that binary fractions add: 0.1 + 0.2 is 0.3. */
function written(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(12)));
}
