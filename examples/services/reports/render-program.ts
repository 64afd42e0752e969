// A program of its own: reads Markdown and prints what it becomes, as JSON. It fails for what is not to be rendered.
import { renderMarkdown } from "./markdown.js";

await Bun.write(Bun.stdout, JSON.stringify(renderMarkdown(await Bun.stdin.text())));
