import { body, both, either, type Finder } from './marks.ts';

/**
 * The page that nginx and what is built on it write for an error (ngx_http_special_response.c, and seen in the lab on 1.22.1):
 *
 *     <html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n
 *     <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n
 *
 * The last line tells who it is. `name` is what stands there, with or without a version.
 */
export function nginxPage(name: string): Finder {
  const frame = ['<center><h1>', '</h1></center>', '</html>'];
  return either(body({ has: [`<hr><center>${name}</center>`, ...frame] }), body({ has: [`<hr><center>${name}/`, ...frame] }));
}

/** The statuses of nginx's table that proxies answer with, as it writes them. */
export const nginxTitles = [
  '400 Bad Request',
  '403 Forbidden',
  '404 Not Found',
  '500 Internal Server Error',
  '502 Bad Gateway',
  '503 Service Temporarily Unavailable',
  '504 Gateway Time-out',
] as const;

/** Local replies of Envoy, the proxy inside of many products (source/common/http/utility.cc, and public samples). */
export const envoyPage: Finder = either(
  body({ starts: 'upstream connect error or disconnect/reset before headers' }),
  both(body({ starts: 'no healthy upstream' }), body({ ends: 'no healthy upstream' })),
  both(body({ starts: 'upstream request timeout' }), body({ ends: 'upstream request timeout' })),
);

/** IIS with Application Request Routing, and Azure's gateway of the first version, which is made of it. */
export const arrPage: Finder = body({ has: ['502 - Web server received an invalid response while acting as a gateway or proxy server'] });
