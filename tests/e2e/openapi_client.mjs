// A program that knows nothing but the OpenAPI document that the daemon gives out.
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const axios = require("axios");
const { OpenAPIClientAxios } = require("openapi-client-axios");

const socketPath = process.argv[2];
const options = { socketPath, baseURL: "http://belay", timeout: 150_000 };
const { data: definition } = await axios.get("/v1/openapi.json", options);
const made = new OpenAPIClientAxios({ definition, axiosConfigDefaults: options });
const client = await made.init();

const { data: stacks } = await client.listStacks({ limit: 10 });
const stack = stacks.items[0].stack;
const { data: plan } = await client.createPlan({ stack }, { kind: "upgrade", to: "2.0" });
await client.createOperation({ stack }, { kind: "apply", plan: plan.id, digest: plan.digest });
const { data: events } = await client.followOperation({ stack, operation: plan.id });
const end = JSON.parse(events.trim().split("\n\n").at(-1).split("\ndata: ")[1]);
const { data: status } = await client.getStack({ stack });
for (const call of ["listPoints", "getSchedule", "listReports", "listOperations"])
  await client[call]({ stack });
await client.getSummary();
const refused = await client.getStack({ stack: "none" }).catch((error) => error.response);
if (refused.status !== 404 || !refused.data.detail) throw new Error("no problem was told");
console.log(JSON.stringify({ label: status.label, outcome: end.outcome }));
