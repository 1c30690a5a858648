import { defineCollector } from '../model/collector.ts';
import { readNginxConfig } from './shared/nginx-files.ts';
import { perInstance } from './shared/per-instance.ts';

export default defineCollector({
  id: 'nginx-config',
  title: 'nginx configuration on disk, with all that it includes',
  needs: ['nginx-instances'],
  *collect(facts) {
    return yield* perInstance(facts['nginx-instances'], 'The configuration', instance => readNginxConfig(instance));
  },
});
