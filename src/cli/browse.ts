// Opens an address in the browser of whoever sits at this machine.

const COMMANDS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/** False when there is no program that could. The browser outlives the command. */
export function browse(url: string, command = COMMANDS[process.platform]): boolean {
  if (!command) return false;
  try {
    Bun.spawn([...command, url], { stdio: ["ignore", "ignore", "ignore"] }).unref();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return false;
    throw error;
  }
}
