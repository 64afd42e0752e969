// The source grammar: what each form means, and everything that is refused before anything is looked up.
import { describe, expect, test } from "bun:test";
import { ReefError } from "#core/errors.js";
import { checkRef, parseSource, splitRef } from "./source.js";

const remote = (url: string, folder: string, ref?: string) => ({ kind: "remote", url, folder, ref });

describe("a source (spec §7)", () => {
  test.each<[string, object]>([
    ["/srv/hello", { kind: "path", path: "/srv/hello" }],
    ["./hello", { kind: "path", path: "./hello" }],
    ["../up/hello.git", { kind: "path", path: "../up/hello.git" }],
    ["/srv/a@b.c/d", { kind: "path", path: "/srv/a@b.c/d" }],
    ["git@host:path/hello.git", remote("git@host:path/hello.git", "hello")],
    ["git@host:hello", remote("git@host:hello", "hello")],
    ["git@git.example.org:a/hello@v1.2", remote("git@git.example.org:a/hello", "hello", "v1.2")],
    ["ssh://host/a/hello", remote("ssh://host/a/hello", "hello")],
    ["ssh://me@host:2222/a/hello.git@main", remote("ssh://me@host:2222/a/hello.git", "hello", "main")],
    ["ssh://git@[::1]/hello", remote("ssh://git@[::1]/hello", "hello")],
    ["https://git.example.org/a/hello", remote("https://git.example.org/a/hello", "hello")],
    [
      "https://git.example.org:8443/hello.git@v1",
      remote("https://git.example.org:8443/hello.git", "hello", "v1"),
    ],
    ["HTTPS://Git.Example.org/Hello", remote("https://git.example.org/Hello", "Hello")],
    ["https://localhost/hello", remote("https://localhost/hello", "hello")],
    ["git.example.org/a/b/hello@0123abc", remote("https://git.example.org/a/b/hello", "hello", "0123abc")],
    ["git.example.org:8443/hello", remote("https://git.example.org:8443/hello", "hello")],
    ["user/hello", remote("https://github.com/user/hello", "hello")],
    ["user/hello.git@v2", remote("https://github.com/user/hello.git", "hello", "v2")],
    ["a.b/c", remote("https://a.b/c", "c")],
    ["example:feed", { kind: "example", folder: "feed" }],
  ])("%s is understood", (text, meaning) => {
    expect(parseSource(text)).toEqual(meaning as ReturnType<typeof parseSource>);
  });

  test.each([
    ["http://github.com/user/hello"],
    ["git://github.com/user/hello"],
    ["file:///srv/hello"],
    ["ext::sh -c touch% /tmp/x"],
    ["fd::7"],
    ["ftp://host/hello"],
    ["git+ssh://host/hello"],
    ["javascript:alert(1)"],
    ["host:path"],
    ["C:\\hello"],
  ])("%s is a protocol that is not allowed", (text) => {
    expect(() => parseSource(text)).toThrow(
      new ReefError("bad_request", `Unsupported source: ${text} (use https, ssh or a local path)`),
    );
  });

  test.each([
    ["hello"],
    ["a;touch b"],
    ["user/hello/more"],
    ["user/hello name"],
    ["user/$(touch x)"],
    ["user/.."],
    ["~/hello"],
    ["."],
    [".."],
    ["https://"],
    ["https://host"],
    ["https://host/"],
    ["https://host/a?b=c"],
    ["https://host/a#b"],
    ["ssh://host"],
    ["ssh://-oProxyCommand=x/hello"],
    ["ssh://-x@host/hello"],
    ["ssh://a b@host/hello"],
    ["git@-oProxyCommand=x:hello"],
    ["git@host:-hello"],
    ["git@host:"],
    ["git@:hello"],
    ["git@a/b:hello"],
    ["\\\\host\\hello"],
    [" user/hello"],
  ])("%s cannot be parsed", (text) => {
    expect(() => parseSource(text)).toThrow(new ReefError("bad_request", `Cannot parse source: ${text}`));
  });

  test.each([["--upload-pack=touch x"], ["-"], ["-c"]])("%s looks like an option", (text) => {
    expect(() => parseSource(text)).toThrow(new ReefError("bad_request", 'source must not begin with "-"'));
  });

  test.each([["/srv/a\nb"], ["user/hello\u0000"], ["user/he\u001bllo"], ["user/he\u0085llo"]])(
    "%j holds control characters",
    (text) => {
      const error = new ReefError("bad_request", "source must not hold control characters");
      expect(() => parseSource(text)).toThrow(error);
    },
  );

  test.each([
    ["https://user:secret@host/hello"],
    ["https://secret@host/hello"],
    ["ssh://user:secret@host/hello"],
    ["https://user:secret@host"],
  ])("%s holds credentials, and the message does not repeat them", (text) => {
    const refused = expect(() => parseSource(text));
    refused.toThrow("A source must not hold credentials");
    refused.not.toThrow("secret");
  });
});

describe("a ref (spec §7)", () => {
  test.each([
    ["/srv/hello@v1", "/srv/hello", "v1"],
    ["a@b@c", "a@b", "c"],
    ["me@host/hello", "me@host/hello", undefined],
    ["hello@", "hello", ""],
    ["hello", "hello", undefined],
  ])("of %s is what follows the last @, without a slash", (text, rest, ref) => {
    expect(splitRef(text)).toEqual({ rest, ...(ref === undefined ? {} : { ref }) });
  });

  test.each([["main"], ["feature/a@b"], ["v1.2.3"], ["0123456789abcdef"], ["refs/heads/x"], ["größe"]])(
    "%s can be one",
    (ref) => {
      expect(checkRef(ref)).toBe(ref);
    },
  );

  test.each([
    ["--upload-pack=x"],
    ["-x"],
    ["+main"],
    ["main:refs/heads/other"],
    ["refs/*"],
    ["a b"],
    ["a..b"],
    ["main~1"],
    ["main^"],
    ["a?"],
    ["[a]"],
    ["a\\b"],
    ["@{-1}"],
    ["@"],
    ["/a"],
    ["a/"],
    ["a//b"],
    [".a"],
    ["a."],
    ["a.lock"],
    ["a\nb"],
    [""],
  ])("%j cannot", (ref) => {
    expect(() => checkRef(ref)).toThrow(ReefError);
  });

  test.each([["user/hello@"], ["git@host:hello@-x"], ["https://host/hello@a:b"]])(
    "%s names a bad one",
    (text) => {
      expect(() => parseSource(text)).toThrow(ReefError);
    },
  );
});
