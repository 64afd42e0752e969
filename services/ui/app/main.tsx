// The dashboard in the browser: starts what it knows, and shows it.
import "./style.css";
import { render } from "preact";
import { startClock } from "./clock.js";
import { live } from "./connect.js";
import { followSelection } from "./feed-state.js";
import { followAddress } from "./route.js";
import { watchRowSize } from "./row-size.js";
import { Shell } from "./shell.tsx";
import { applyTheme } from "./theme.js";

applyTheme();
followAddress();
startClock();
followSelection();
watchRowSize();
const place = document.getElementById("app");
if (place) render(<Shell life={live()} />, place);
