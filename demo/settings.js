// Settings of the Node-RED of the demo: one of the stack's config files.
const path = require("path");
const release = path.dirname(require.main.filename);

module.exports = {
  uiHost: "127.0.0.1", // loopback only, and so without a login
  uiPort: Number(process.env.NODE_RED_PORT),
  flowFile: "flows.json",
  credentialSecret: process.env.NODE_RED_CREDENTIAL_SECRET,
  functionGlobalContext: {
    fs: require("fs"),
    ordersFile: path.join(__dirname, "data", "orders.jsonl"),
    version: require(path.join(release, "package.json")).version,
  },
  diagnostics: { enabled: false },
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: "info" } },
};
