// The dashboard: signing in, the page and its files, the way from the page to the other services, and their panels.
import { createLinks } from "#core/http.js";
import type { ServiceModule } from "#core/types.js";
import { createApp } from "./app-files.js";
import { createCapabilities } from "./capabilities.js";
import { routeDocs } from "./docs.js";
import { createRoutes } from "./routes.js";
import { openSessions } from "./sessions.js";
import { createSignIn } from "./sign-in.js";
import { tellOfPanels } from "./tell.js";

export default {
  name: "ui",
  description: "Dashboard: the event tree live, conversations, services, panels",
  mountAtRoot: true,
  // A browser holds a session, not the server's token: these routes check it themselves.
  requiresAuth: false,
  publicRoutes: ["ALL /ui/p/*"],
  routeDocs,
  init(this: ServiceModule, ctx) {
    const sessions = openSessions(ctx);
    const links = createLinks(ctx);
    const signIn = createSignIn(ctx, { sessions, links });
    const capabilities = createCapabilities(ctx, sessions);
    this.routes = createRoutes(ctx, { signIn, links, capabilities, app: createApp(ctx) });
    tellOfPanels(ctx);
  },
} satisfies ServiceModule;
