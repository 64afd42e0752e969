// The tokens of Markdown, within limits: what is nested too deep or asks for too much is found before it takes long.
import { getDefaults, Lexer, type Token, Tokenizer, type Tokens, type TokensList } from "marked";

export const LEVELS_MAX = 50;
/** A row may leave out cells, so that a short text can ask for any number of them. */
const TABLE_CELLS_MAX = 100_000;

/** Throws a RangeError beyond the limits. */
export function tokensOf(source: string): Token[] {
  return new BoundedLexer({ ...getDefaults(), gfm: true, tokenizer: new BoundedTokenizer() }).lex(source);
}

class BoundedLexer extends Lexer {
  /** The document is the first level. */
  #levels = -1;

  override blockTokens(source: string, tokens?: Token[], isClipped?: boolean): Token[];
  override blockTokens(source: string, tokens?: TokensList, isClipped?: boolean): TokensList;
  override blockTokens(source: string, tokens?: Token[], isClipped?: boolean): Token[] {
    this.#levels++;
    if (this.#levels > LEVELS_MAX) throw new RangeError(`nested deeper than ${LEVELS_MAX} levels`);
    const found = super.blockTokens(source, tokens, isClipped);
    this.#levels--;
    return found;
  }
}

class BoundedTokenizer extends Tokenizer {
  override table(source: string): Tokens.Table | undefined {
    const [, head = "", , body = ""] = this.rules.block.table.exec(source) ?? [];
    const cells = head.split("|").length * body.split("\n").length;
    if (cells > TABLE_CELLS_MAX) throw new RangeError(`a table of more than ${TABLE_CELLS_MAX} cells`);
    return super.table(source);
  }
}
