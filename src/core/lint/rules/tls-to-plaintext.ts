import { placeOf } from '../addresses.ts';
import { ownListens } from '../own-listens.ts';
import { effectivePort } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { bothSchemes } from '../schemes.ts';
import { membersPassedTo } from '../upstreams-used.ts';

/** `https://` to a port that the file shows to be one without TLS. */
export default defineLintRule({
  meta: {
    id: 'tls-to-plaintext',
    title: 'TLS is spoken to a port that does not speak it',
    severity: 'error',
    fault: 'tls-to-plaintext',
  },
  *check(view) {
    const told = new Set<string>();
    for (const { member, pass, target } of membersPassedTo(view)) {
      const { address, directive, token } = member;
      const port = effectivePort(pass, target, member);
      if (!target.tls || pass.kind === 'stream' || address.path !== undefined) continue;
      const own = ownListens(view, address, port);
      const isPlain = own.length > 0 && own.every(({ listen }) => !listen.isTls);
      if (port !== 80 && !isPlain) continue;
      const place = placeOf(address, port);
      if (place !== undefined) told.add(place);
      const [first] = own;
      const why =
        port === 80
          ? address.portText === undefined
            ? `"${address.text}" has no port, and in an \`upstream\` that means 80, whatever the scheme of the pass is`
            : 'Port 80 is that of HTTP without TLS'
          : `nginx itself listens there without \`ssl\``;
      yield {
        at: spotOf(directive, token),
        message: `${why}; the pass speaks TLS to it, so each request gets a 502 ("wrong version number" in the error log).`,
        advice: port === 80 ? `Write port 443, or pass with ${pass.kind === 'grpc' ? 'grpc' : 'http'}://.` : `Pass with http://.`,
        related: [
          ...(directive === pass.directive ? [] : [{ at: spotOf(pass.directive), text: 'TLS is spoken to it because of this pass.' }]),
          ...(isPlain && first !== undefined ? [{ at: spotOf(first.listen.directive), text: 'nginx listens here.' }] : []),
        ],
      };
    }
    for (const { place, plain, tls } of bothSchemes(view)) {
      if (told.has(place)) continue;
      yield {
        at: spotOf(tls.pass.directive),
        message: `${place} is spoken to with TLS here and without elsewhere. A port speaks one of them; the requests of the other get a 502 or a 400.`,
        advice: 'Find out which of the two the server speaks, and use its scheme in both places.',
        related: [{ at: spotOf(plain.pass.directive), text: 'Here it is spoken to without TLS.' }],
        severity: 'warning',
      };
    }
  },
});
