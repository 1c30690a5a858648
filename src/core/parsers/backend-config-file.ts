/** A backend's configuration file as settings by their long option names, by the kind of backend that reads it. */
import type { ServiceKind } from '../model/facts/backend.ts';
import type { Values } from './backend-options.ts';
import { parseGunicornConfig } from './gunicorn-config.ts';
import { parseRubyServerConfig } from './ruby-server-config.ts';
import { parseTomcatServerXml } from './tomcat-server-xml.ts';
import { parseUwsgiConfig } from './uwsgi-config.ts';

/** Total; kinds without a file of their own give no settings. */
export function parseBackendConfigFile(kind: ServiceKind, text: string, path: string): Values {
  switch (kind) {
    case 'gunicorn':
      return parseGunicornConfig(text, path);
    case 'uwsgi':
      return parseUwsgiConfig(text, path);
    case 'puma':
    case 'unicorn':
      return parseRubyServerConfig(text, path);
    case 'tomcat':
      return parseTomcatServerXml(text, path);
    default:
      return {};
  }
}
