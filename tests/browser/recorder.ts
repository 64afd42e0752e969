// A place outside of reef that writes down whoever comes, over TCP or UDP: what a panel must not reach.

export interface Recorder {
  /** `127.0.0.1:<port>`, where anything over TCP is heard: http, websockets, bare connections. */
  readonly host: string;
  /** The same for UDP: STUN, QUIC. */
  readonly udpHost: string;
  /** The first line of each connection, and each datagram, so far. A connection that says nothing is there too. */
  readonly heard: string[];
  stop(): void;
}

export async function startRecorder(): Promise<Recorder> {
  const heard: string[] = [];
  const tcp = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => void heard.push("a connection"),
      data(socket, bytes) {
        heard.push(`tcp: ${bytes.toString().split("\r\n")[0]}`);
        socket.end(
          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
      },
    },
  });
  const udp = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (_, bytes) => void heard.push(`udp: ${bytes.length} bytes`) },
  });
  return {
    host: `127.0.0.1:${tcp.port}`,
    udpHost: `127.0.0.1:${udp.port}`,
    heard,
    stop() {
      tcp.stop(true);
      udp.close();
    },
  };
}
