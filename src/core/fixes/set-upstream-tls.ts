import { defineFix } from '../model/fix.ts';
import { takenUp } from '../model/nginx-reload.ts';
import { passEdits } from '../model/pass-edits.ts';

/** Sets the directives of TLS that the backend was seen to want, in the blocks that pass to it. */
export default defineFix({
  id: 'set-upstream-tls',
  fixes: ['tls-sni-missing', 'tls-protocol-mismatch', 'tls-name-mismatch'],
  plan(finding, facts) {
    const { places, directives } = finding.fixData ?? {};
    if (!Array.isArray(places) || typeof directives !== 'object' || directives === null || facts['nginx-config'].state !== 'known') return undefined;
    const wanted = Object.entries(directives).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && /^[\w.: -]+$/.test(pair[1]));
    const edits = passEdits(facts['nginx-config'].value, places, wanted);
    if (edits.length === 0) return undefined;
    return {
      id: 'set-upstream-tls',
      summary: `Set ${wanted.map(([name, value]) => `ssl_${name.replace(/^ssl_/, '')} ${value}`).join(' and ')} for the TLS to ${finding.subject.peers.join(', ')}`,
      // A certificate for another name can mean that another server answers: a person looks at it first.
      automatic: finding.confidence === 'confirmed' && finding.fault !== 'tls-name-mismatch',
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'Requests through nginx succeed, and its error log names no failed handshake.',
    };
  },
});
