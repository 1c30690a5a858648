import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { runtimeDirectory, startUnit } from './unit.ts';

/**
 * - `hang`: accepts and never answers; `no-accept`: listens and never accepts, so that the queue fills
 * - `close`: closes after the request; `close-at-once`: before it; `reset`: RST after the request
 * - `garbage`: bytes that are no HTTP; `endless-header`: a header that never ends
 * - `big-header`: a header of `size` bytes; `truncate`: announces `size` and sends half
 * - `slow`: answers after `seconds`; `trickle`: one byte of the body every `seconds`; `answer`: sends `text` as it is
 */
export type RawBehaviour =
  | 'hang'
  | 'no-accept'
  | 'close'
  | 'close-at-once'
  | 'reset'
  | 'garbage'
  | 'endless-header'
  | 'big-header'
  | 'truncate'
  | 'slow'
  | 'trickle'
  | 'answer';

export interface RawOptions {
  readonly name: string;
  readonly unit?: string;
  /** `127.0.0.1:7000`, `[::1]:7000` or `unix:/run/x/x.sock`. */
  readonly listen: string;
  readonly behaviour: RawBehaviour;
  readonly backlog?: number;
  readonly size?: number;
  readonly seconds?: number;
  readonly text?: string;
  readonly user?: string;
}

/** A server that misbehaves in one way, under a unit of its own. */
export async function rawTcp(host: LabHost, options: RawOptions): Promise<void> {
  const { name, unit = `${name}.service`, listen, behaviour, backlog = 64, size = 9000, seconds = 2, text = '', user = 'www-data' } = options;
  await host.write(`/srv/${name}/server.py`, PROGRAM);
  await host.write(`/srv/${name}/settings.json`, JSON.stringify({ listen, behaviour, backlog, size, seconds, text }));
  await startUnit(host, { unit, exec: `/usr/bin/python3 /srv/${name}/server.py`, user, workdir: `/srv/${name}`, service: runtimeDirectory([listen]) });
  await waitForListener(host, listen);
}

const PROGRAM = `import json, os, socket, struct, threading, time

settings = json.load(open("settings.json"))
listen, behaviour, size, seconds = settings["listen"], settings["behaviour"], settings["size"], settings["seconds"]
if listen.startswith("unix:"):
    server = socket.socket(socket.AF_UNIX)
    server.bind(listen[5:])
    os.chmod(listen[5:], 0o666)
else:
    address, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if address.startswith("[") else socket.AF_INET
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address.strip("[]"), int(port)))
server.listen(settings["backlog"])
kept = []


def serve(client):
    if behaviour == "close-at-once":
        client.close()
        return
    client.recv(65536)
    ok = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n"
    if behaviour == "hang":
        kept.append(client)
        return
    if behaviour == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif behaviour == "garbage":
        client.sendall(b"\\x00\\x01\\x02 this is no HTTP\\n" * 4)
    elif behaviour == "endless-header":
        client.sendall(ok)
        while True:
            client.sendall(b"X-Filler: " + b"x" * 500 + b"\\r\\n")
            time.sleep(0.01)
    elif behaviour == "big-header":
        client.sendall(ok + b"Set-Cookie: session=" + b"x" * size + b"\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n")
    elif behaviour == "truncate":
        client.sendall(ok + b"Content-Length: %d\\r\\n\\r\\n" % size + b"x" * (size // 2))
    elif behaviour == "slow":
        time.sleep(seconds)
        client.sendall(ok + b"Content-Length: 3\\r\\n\\r\\nok\\n")
    elif behaviour == "trickle":
        client.sendall(ok + b"Content-Length: 1000\\r\\n\\r\\n")
        for _ in range(1000):
            client.sendall(b"x")
            time.sleep(seconds)
    elif behaviour == "answer":
        client.sendall(settings["text"].encode())
    client.close()


def guarded(client):
    try:
        serve(client)
    except OSError:
        client.close()


while behaviour == "no-accept":
    time.sleep(3600)
while True:
    threading.Thread(target=guarded, args=(server.accept()[0],), daemon=True).start()
`;
