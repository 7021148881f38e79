// An agent's program as people write it: the official client, over standard input and output
// (arguments: belay, folder) or over HTTP (arguments: address, token).
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [where, more] = process.argv.slice(2);
const isHttp = where.startsWith("http");
const transport = isHttp
  ? new StreamableHTTPClientTransport(new URL(where), { requestInit: { headers: { Authorization: `Bearer ${more}` } } })
  : new StdioClientTransport({ command: where, args: ["mcp", "--allow", "operate"], cwd: more, env: process.env });
const client = new Client({ name: "belay-test", version: "1.0.0" });
client.onerror = (error) => { console.error(error); process.exitCode = 1; };
await client.connect(transport);

async function call(name, args = {}) {
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 150_000 });
  if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
  return result.structuredContent;
}

try {
  const { tools } = await client.listTools(); // from here on it validates structured content
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  if (!resourceTemplates.length) throw new Error("no templates");
  for (const { uri } of resources) {
    const { contents } = await client.readResource({ uri });
    JSON.parse(contents[0].text);
  }
  const stack = (await call("list_stacks")).stacks[0].stack;
  for (const name of ["stack_status", "list_points", "list_operations", "read_report", "read_schedule"])
    await call(name, { stack });
  const plan = await call("plan_upgrade", { stack, to: "2.0" });
  await call("apply_plan", { stack, plan: plan.id, digest: plan.digest });
  const ended = await call("read_operation", { stack, operation: plan.id, wait_seconds: 120 });
  const { label } = await call("stack_status", { stack });
  await client.ping();
  if (isHttp) await transport.terminateSession();
  console.log(JSON.stringify({ version: label, outcome: ended.outcome, tools: tools.length }));
} finally {
  await client.close();
}
