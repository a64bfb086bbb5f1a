/** A module of somebody else can't be used. `message` says what to change; whoever asked for it says what it was for. */
export class ModuleLoadError extends Error {
  readonly code = "MODULE_LOAD";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ModuleLoadError";
  }
}
