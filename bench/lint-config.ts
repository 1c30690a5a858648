/** Lines that `bigConfig` writes for one site. */
const linesOfASite = 14;

/**
 * A configuration of about so many lines, with sites as they are: two names, a group of two servers, headers, a page of PHP, a
 * socket. Nothing is wrong with it, so that both programs read all of it.
 */
export function bigConfig(lines: number): string {
  const sites = Math.round(lines / linesOfASite);
  const parts = ['events { worker_connections 1024; }', 'http {', '  server_names_hash_max_size 65536;', '  server_names_hash_bucket_size 128;'];
  for (let site = 0; site < sites; site++) {
    const port = 30_000 + (site % 20_000);
    parts.push(
      `  upstream app${site} {`,
      `    server 127.0.0.1:${port};`,
      `    server 192.0.2.${site % 250}:${port} backup;`,
      '  }',
      '  server {',
      '    listen 8080;',
      `    server_name s${site}.example www.s${site}.example;`,
      '    location / {',
      '      proxy_set_header Host $host; # as the client wrote it',
      `      proxy_pass http://app${site};`,
      '    }',
      '    location ~ "\\.php$" { fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/run/php/php8.2-fpm.sock; }',
      '    location = /health { return 204; }',
      '  }',
    );
  }
  return `${parts.join('\n')}\n}\n`;
}

/** So many sites, and in each two lines that a rule has a change for. */
export function flawedConfig(sites: number): string {
  const parts = ['events { worker_connections 1024; }', 'http {'];
  for (let site = 0; site < sites; site++) {
    parts.push(
      '  server {',
      `    listen 127.0.0.1:${20_000 + site};`,
      '    location / {',
      '      proxy_set_header Upgrade $http_upgrade;',
      '      proxy_http_version 1.1;',
      '      fastcgi_read_timeout 90s;',
      `      proxy_pass http://192.0.2.${(site % 250) + 1}:8080;`,
      '    }',
      '  }',
    );
  }
  return `${parts.join('\n')}\n}\n`;
}
