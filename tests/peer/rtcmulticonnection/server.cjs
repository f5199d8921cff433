// A real RTCMultiConnection-Server on 127.0.0.1: node server.cjs MODULES FILES [PORT]; says the port on its first line.
const [modules, files, port] = process.argv.slice(2);
const { readFile } = require("node:fs");
const { basename, join } = require("node:path");
const { createServer } = require("node:http");
const { addSocket } = require(join(modules, "rtcmulticonnection-server"));
const types = { ".js": "text/javascript", ".html": "text/html" };

const server = createServer((request, response) => {
  const name = basename(new URL(request.url, "http://here").pathname);
  readFile(join(files, name), (error, content) => {
    response.writeHead(error ? 404 : 200, { "content-type": types[name.slice(name.lastIndexOf("."))] ?? "text/plain" });
    response.end(content);
  });
});
require(join(modules, "socket.io"))(server, { serveClient: true }).on("connection", (socket) => addSocket(socket, {}));
server.listen(Number(port ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", () => process.exit(0));
