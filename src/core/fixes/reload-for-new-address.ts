import { defineFix } from '../model/fix.ts';
import { reloadNginx } from '../model/nginx-reload.ts';

/** A reload resolves the names anew and forgets kept answers; that it does not happen again takes a resolver, which a person chooses. */
export default defineFix({
  id: 'reload-for-new-address',
  fixes: ['dns-stale-address'],
  plan(finding, facts) {
    const { name, old, isKept } = finding.fixData ?? {};
    if (typeof name !== 'string' || typeof old !== 'string') return undefined;
    return {
      id: 'reload-for-new-address',
      summary: `Reload nginx, which then resolves ${name} anew`,
      automatic: true,
      risk: 'low',
      minutes: 1,
      steps: [reloadNginx(facts)],
      validate: [['nginx', '-t']],
      verify: `No more errors name ${old}. For the next move: ${
        isKept === true
          ? 'a valid= of the resolver that is shorter than the old address goes on to answer'
          : 'a variable in the pass and a resolver, or "resolve" on the server line (nginx 1.27.3 and later)'
      }.`,
    };
  },
});
