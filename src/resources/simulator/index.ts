/** The simulator resource: a host with VMs in memory, for tests, demonstrations and load. */
import type { ResourceFactory } from "../../api/index.ts";
import { simulatorConfig } from "./config.ts";
import { SimulatorResource } from "./simulator-resource.ts";

/** @throws SimulatorConfigError when a setting is unknown or malformed. */
const createSimulator: ResourceFactory = ({ agentId, config }) =>
  new SimulatorResource(agentId, simulatorConfig(config));
export default createSimulator;
