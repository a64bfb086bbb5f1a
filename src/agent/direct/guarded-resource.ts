import type { ServerResource } from "../../api/index.ts";

/**
 * The resource, asking `mayGoOn` before each thing that it does.
 * @param mayGoOn does not return when the agent may not act any more.
 */
export function guarded(resource: ServerResource, mayGoOn: () => void): ServerResource {
  return {
    name: resource.name,
    initialize: () => {
      mayGoOn();
      return resource.initialize();
    },
    currentStatus: () => {
      mayGoOn();
      return resource.currentStatus();
    },
    executeRequest: (command, options) => {
      mayGoOn();
      return resource.executeRequest(command, options);
    },
    disconnected: () => resource.disconnected?.(),
    close: () => resource.close?.() ?? Promise.resolve(),
  };
}
