import { parseSize } from '../../derive/directives.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { settingOf } from '../scopes.ts';
import { writtenSize } from '../words.ts';

/** What nginx takes in one line unless it is told otherwise. */
const defaultBytes = 8192;
/** `buffer-size` of uWSGI 2.0: all headers of a request together. */
const uwsgiBytes = 4096;

/** Somebody gave clients more room; whether the backend got it too is not in nginx's configuration. */
export default defineLintRule({
  meta: {
    id: 'request-header-too-big-for-backend',
    title: 'nginx takes larger request headers than uWSGI does by default',
    severity: 'notice',
    fault: 'request-header-too-big-for-backend',
  },
  *check(view) {
    for (const pass of view.passes) {
      if (pass.kind !== 'uwsgi') continue;
      const written = settingOf(pass.scope, 'large_client_header_buffers');
      const bytes = parseSize(written?.args[1] ?? '');
      if (written === undefined || bytes === undefined || bytes <= defaultBytes) continue;
      yield {
        at: spotOf(written.at),
        message: `Clients may send header lines of ${writtenSize(bytes)}, and uWSGI takes ${writtenSize(uwsgiBytes)} for all headers of a request unless its \`buffer-size\` says more: it drops a larger one ("invalid request block size"), which is a 502.`,
        advice: `Set \`buffer-size = ${Math.min(Math.max(bytes, 2 * defaultBytes), 65_535)}\` in uWSGI's configuration, or silence this line where it is set.`,
        related: [{ at: spotOf(pass.directive), text: 'Requests are passed to uWSGI here.' }],
      };
    }
  },
});
