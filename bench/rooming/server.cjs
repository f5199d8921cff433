// A room server with Node's socket.io: NODE_PATH says where that is. REDIS, if set, joins it to others of its kind.
const http = require("node:http");
const { Server } = require("socket.io");

async function main() {
  const web = http.createServer((_, answer) => {
    global.gc?.();
    answer.end();
  });
  const io = new Server(web);
  if (process.env.REDIS) {
    const { createClient } = require("redis");
    const { createAdapter } = require("@socket.io/redis-adapter");
    const publisher = createClient({ url: process.env.REDIS });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(createAdapter(publisher, subscriber));
  }
  io.on("connection", (socket) => {
    socket.on("join", (room, done) => {
      socket.join(room);
      done();
    });
    socket.on("say", (room, data) => socket.to(room).emit("said", data));
    socket.on("leave", (room) => {
      socket.leave(room);
      io.to(room).emit("left", { id: socket.id, room });
    });
  });
  web.listen(0, "127.0.0.1", () => {
    const url = `ws://127.0.0.1:${web.address().port}/socket.io/?EIO=4&transport=websocket`;
    console.log(JSON.stringify({ type: "join", text: url }));
  });
}

main();
