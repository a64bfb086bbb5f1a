import { fileURLToPath } from "node:url";

/** Folder of Muster's package.json, whether this runs from `src/` or from `dist/`. */
export const packageRoot: string = fileURLToPath(new URL("../..", import.meta.url));
