/**
 * Loaded once in each worker before any workflow, and shared by all (`preloadModules` of the bundle): an agent's first
 * task would otherwise spend milliseconds on loading the same modules again. So no module of the workflows may keep
 * anything of one workflow; what they export is frozen.
 */
import "./index.ts";

/**
 * The SDK notes where each promise was made, for the query `__stack_trace`: with V8's ten frames that is half of all that
 * a workflow task costs. One is enough to find the place of an error.
 */
Error.stackTraceLimit = 1;
