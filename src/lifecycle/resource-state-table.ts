/**
 * ResourceState: what the administrator wants of a resource (CloudStack's ResourceState.java; DESIGN §6). A blank cell
 * is refused.
 *
 * Where this table leaves CloudStack's: Unmanage from every state at rest → Unmanaged, and Manage back to where it came
 * from, for hosts that stay connected but are looked after by somebody else: managing a host again must not lift the
 * maintenance that it was unmanaged in; Creating × InternalCreated as for no state at all.
 */
import type { ResourceState, ResourceStateEvent } from "../api/index.ts";

type Row = Readonly<Partial<Record<ResourceStateEvent, ResourceState>>>;

const resourceStateTable: Readonly<Record<ResourceState, Row>> = {
  Creating: { InternalCreated: "Enabled", Error: "Error" },
  Enabled: {
    Enable: "Enabled",
    InternalCreated: "Enabled",
    Disable: "Disabled",
    AdminAskMaintenance: "PrepareForMaintenance",
    InternalEnterMaintenance: "Maintenance",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  Disabled: {
    Enable: "Enabled",
    Disable: "Disabled",
    InternalCreated: "Disabled",
    DeleteHost: "Disabled",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  PrepareForMaintenance: {
    InternalEnterMaintenance: "Maintenance",
    AdminCancelMaintenance: "Enabled",
    UnableToMigrate: "ErrorInPrepareForMaintenance",
    UnableToMaintain: "ErrorInMaintenance",
    InternalCreated: "PrepareForMaintenance",
  },
  ErrorInPrepareForMaintenance: {
    InternalEnterMaintenance: "Maintenance",
    AdminCancelMaintenance: "Enabled",
    UnableToMigrate: "ErrorInPrepareForMaintenance",
    InternalCreated: "ErrorInPrepareForMaintenance",
    UnableToMaintain: "ErrorInMaintenance",
    ErrorsCorrected: "PrepareForMaintenance",
    Disable: "Disabled",
    DeleteHost: "Disabled",
  },
  ErrorInMaintenance: {
    AdminAskMaintenance: "PrepareForMaintenance",
    AdminCancelMaintenance: "Enabled",
    InternalCreated: "ErrorInMaintenance",
    Disable: "Disabled",
    DeleteHost: "Disabled",
  },
  Maintenance: {
    AdminCancelMaintenance: "Enabled",
    InternalCreated: "Maintenance",
    DeleteHost: "Disabled",
    DeclareHostDegraded: "Degraded",
    Unmanage: "Unmanaged",
  },
  Degraded: {
    EnableDegradedHost: "Enabled",
    AdminAskMaintenance: "Maintenance",
    DeleteHost: "Disabled",
    Unmanage: "Unmanaged",
  },
  Unmanaged: { Manage: "Enabled", InternalCreated: "Unmanaged" },
  Error: { InternalCreated: "Error" },
};

/**
 * The ResourceState after an event; undefined when the table refuses it. `unmanagedFrom` is where the last Unmanage came
 * from, which Manage goes back to.
 */
export function nextResourceState(
  state: ResourceState,
  event: ResourceStateEvent,
  unmanagedFrom: ResourceState = "Enabled",
): ResourceState | undefined {
  const next = resourceStateTable[state][event];
  return next !== undefined && event === "Manage" ? unmanagedFrom : next;
}

/** Whether a host is in maintenance, or on its way there. */
export function isInMaintenance(state: ResourceState): boolean {
  return (
    state === "PrepareForMaintenance" ||
    state === "ErrorInPrepareForMaintenance" ||
    state === "ErrorInMaintenance" ||
    state === "Maintenance"
  );
}

/** Events that a state accepts, for refusals that say what would be possible. */
export function acceptedEvents(state: ResourceState): readonly ResourceStateEvent[] {
  return Object.keys(resourceStateTable[state]) as ResourceStateEvent[];
}
