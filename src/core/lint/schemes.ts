import { placeOf } from './addresses.ts';
import { effectivePort } from './passes.ts';
import { targetsOf, type PassedTo } from './upstreams-used.ts';
import type { LintView } from './view.ts';

/** An address that is passed to with TLS and without. */
export interface BothSchemes {
  readonly place: string;
  readonly plain: PassedTo;
  readonly tls: PassedTo;
}

/** Every such address, with the first pass of either kind. */
export function* bothSchemes(view: LintView): Generator<BothSchemes> {
  const places = new Map<string, { plain?: PassedTo; tls?: PassedTo }>();
  for (const { pass, target } of targetsOf(view)) {
    if (pass.kind !== 'proxy' && pass.kind !== 'grpc') continue;
    for (const member of target.members) {
      // Without a port each scheme means another one.
      const place = member.isDown ? undefined : placeOf(member.address, effectivePort(pass, target, member));
      if (place === undefined) continue;
      const both = places.get(place) ?? {};
      places.set(place, both);
      if (target.tls) both.tls ??= { pass, target, member };
      else both.plain ??= { pass, target, member };
    }
  }
  for (const [place, { plain, tls }] of places) if (plain !== undefined && tls !== undefined) yield { place, plain, tls };
}
