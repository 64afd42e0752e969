// Where links and images of a report may lead to: what somebody can open on purpose, and nothing that runs or loads.

const LINK = /^(?:https?:\/\/[^/]|mailto:[^/]|#.)/i;
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z\d+/]+={0,2}$/i;

/**
 * The address of a link: http, https, mailto or a place in the page. Undefined for any other. It is written in letters
 * of ASCII without white space, so that a browser reads the same in it as is checked here.
 */
export function linkTarget(href: string): string | undefined {
  const address = encodeURI(href.trim().toWellFormed()).replace(/%(?:25|5B|5D)/g, decodeURIComponent);
  return LINK.test(address) ? address : undefined;
}

/** An image that lies in the text itself. SVG is none: it is a document. */
export function imageSource(href: string): string | undefined {
  return IMAGE.test(href) ? href : undefined;
}
