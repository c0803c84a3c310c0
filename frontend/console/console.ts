// The console's script. Pages are whole without it; it replaces parts instead of pages, and adds what only a script can do.

import "./console.css";
import "./setup";
import { startBuilders } from "./builder";
import { startCopying } from "./copy";
import { startDrawer } from "./drawer";
import { startGrowing } from "./grow";
import { startKeyboard } from "./keyboard";
import { startListening } from "./live";
import { startMenus } from "./menus";
import { startSelecting } from "./select";
import { startThreads } from "./thread";
import { startTimes } from "./times";
import { startToasts } from "./toasts";
import { startUploads } from "./upload";

startBuilders();
startCopying();
startDrawer();
startGrowing();
startKeyboard();
startListening();
startMenus();
startSelecting();
startThreads();
startTimes();
startToasts();
startUploads();
