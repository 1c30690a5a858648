import type { LabHost } from '../host.ts';
import { waitForListener } from './listening.ts';
import { runtimeDirectory, startUnit } from './unit.ts';

export interface PythonOptions {
  readonly name: string;
  /** Default `<name>.service`. */
  readonly unit?: string;
  /** A module with a WSGI callable `app`; `wsgiApp` writes one. */
  readonly code: string;
  /** `127.0.0.1:8001` or `unix:/run/api/api.sock`. */
  readonly bind: string;
  readonly workers?: number;
  readonly user?: string;
  /** More lines of the unit's [Service] section. */
  readonly service?: Readonly<Record<string, string>>;
}

export interface GunicornOptions extends PythonOptions {
  readonly threads?: number;
  readonly timeoutSeconds?: number;
  readonly args?: readonly string[];
}

/** Debian's gunicorn under a unit of its own, with the code in /srv/NAME. */
export async function gunicorn(host: LabHost, options: GunicornOptions): Promise<void> {
  const { name, unit = `${name}.service`, code, bind, workers = 2, threads = 1, timeoutSeconds = 30, args = [], user = 'www-data', service = {} } = options;
  await host.write(`/srv/${name}/app.py`, code);
  await startUnit(host, {
    unit,
    description: `${name} (gunicorn)`,
    exec: ['/usr/bin/gunicorn', '--bind', bind, '--workers', workers, '--threads', threads, '--timeout', timeoutSeconds, ...args, 'app:app'].join(' '),
    user,
    workdir: `/srv/${name}`,
    // As gunicorn's own page on systemd has it. With the default systemd asks the workers too; a worker that gunicorn asks again while it ends
    // dies by the signal, and where two do so at once gunicorn 20.1 loses one and waits 30 seconds for it.
    service: { ...runtimeDirectory([bind]), KillMode: 'mixed', ...service },
  });
  await waitForListener(host, bind);
  await host.shell(WORKERS_READY, [unit, String(workers)]);
}

/**
 * Waits until the workers have signal handlers of their own: until then a SIGTERM ends in the copy of the master's queue that they were born with, and
 * gunicorn waits 30 seconds for them. A worker catches SIGTERM, and not SIGHUP as the master does. Those that die at their start are not waited for long.
 */
const WORKERS_READY = `
main=$(systemctl show -p MainPID --value "$1")
for try in $(seq 100); do
  [ -d "/proc/$main/task/$main" ] || exit 0
  ready=0
  for pid in $(cat "/proc/$main/task/$main/children"); do
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null || true)
    [ $((0x\${caught:-0} & 0x4001)) -ne $((0x4000)) ] || ready=$((ready + 1))
  done
  [ "$ready" -lt "$2" ] || exit 0
  sleep 0.03
done
`;

export interface UwsgiOptions extends PythonOptions {
  /** `socket` speaks the uwsgi protocol (default), `http-socket` HTTP. */
  readonly protocol?: 'socket' | 'http-socket';
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Debian's uWSGI with an ini in /etc/uwsgi/apps-available, under a unit of its own. */
export async function uwsgi(host: LabHost, options: UwsgiOptions): Promise<void> {
  const { name, unit = `${name}.service`, code, bind, workers = 2, protocol = 'socket', settings = {}, user = 'www-data', service = {} } = options;
  await host.write(`/srv/${name}/app.py`, code);
  const address = bind.replace(/^unix:/, '');
  const ini = {
    plugins: 'python3',
    chdir: `/srv/${name}`,
    module: 'app:app',
    master: 'true',
    processes: workers,
    [protocol]: address,
    'chmod-socket': 666,
    'die-on-term': 'true',
    ...settings,
  };
  const lines = Object.entries(ini).map(([key, value]) => `${key} = ${value}\n`);
  await host.write(`/etc/uwsgi/apps-available/${name}.ini`, `[uwsgi]\n${lines.join('')}`);
  await startUnit(host, {
    unit,
    description: `${name} (uWSGI)`,
    exec: `/usr/bin/uwsgi --ini /etc/uwsgi/apps-available/${name}.ini`,
    user,
    service: { ...runtimeDirectory([bind]), ...service },
  });
  await waitForListener(host, bind);
}

/**
 * A small WSGI application. Its paths: `/` answers at once; `/slow?s=2` sleeps; `/busy?s=2` computes; `/big-header?n=9000`
 * sends a header of that size; `/status?c=503` answers with that code; `/grow?mb=300` takes memory; `/die` kills its worker
 * by SIGSEGV; `/truncate` sends less than it has announced. `body` is the text of the rest.
 */
export function wsgiApp(body = 'ok'): string {
  return `import os, signal, time
from urllib.parse import parse_qs

BODY = ${JSON.stringify(`${body}\n`)}.encode()
kept = []


def app(environ, start_response):
    path = environ["PATH_INFO"]
    query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    status, headers, body = "200 OK", [("Content-Type", "text/plain")], BODY
    if path == "/slow":
        time.sleep(float(query.get("s", "2")))
    elif path == "/busy":
        until = time.monotonic() + float(query.get("s", "2"))
        while time.monotonic() < until:
            pass
    elif path == "/big-header":
        headers.append(("Set-Cookie", "session=" + "x" * int(query.get("n", "9000"))))
    elif path == "/status":
        status = query.get("c", "503") + " Chosen"
    elif path == "/grow":
        for _ in range(int(query.get("mb", "300"))):
            kept.append(bytearray(os.urandom(1024) * 1024))
    elif path == "/die":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif path == "/truncate":
        start_response(status, headers + [("Content-Length", "100000")])
        return [b"only this"]
    start_response(status, headers + [("Content-Length", str(len(body)))])
    return [body]
`;
}
