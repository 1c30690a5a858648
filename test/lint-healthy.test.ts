import { expect, it } from 'vitest';
import { rules } from '../src/core/lint/rules/index.ts';
import { lintText } from './lint-rule.ts';
import { textOf } from './source-files.ts';

const fixtures = 'src/core/parsers/nginx-conf.fixtures/debian-';
const debian = {
  '/etc/nginx/nginx.conf': textOf(`${fixtures}nginx-1.22.1.conf`),
  '/etc/nginx/mime.types': textOf(`${fixtures}mime.types-1.22.1.conf`),
  '/etc/nginx/fastcgi_params': textOf(`${fixtures}fastcgi_params-1.22.1.conf`),
  '/etc/nginx/fastcgi.conf': `fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n${textOf(`${fixtures}fastcgi_params-1.22.1.conf`)}`,
  '/etc/nginx/snippets/fastcgi-php.conf': textOf(`${fixtures}fastcgi-php-1.22.1.conf`),
  '/etc/nginx/proxy_params':
    'proxy_set_header Host $http_host;\nproxy_set_header X-Real-IP $remote_addr;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\nproxy_set_header X-Forwarded-Proto $scheme;\n',
};

/** Sites as guides of well-known programs have them, in words of our own; each is right for the program that it is for. */
const sites: Readonly<Record<string, string>> = {
  "Debian's own": textOf(`${fixtures}sites-default-1.22.1.conf`),
  'PHP as Debian proposes it': `server {
    listen 80 default_server;
    root /var/www/html;
    index index.php;
    location / { try_files $uri $uri/ =404; }
    location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php/php8.2-fpm.sock; }
}`,
  'a blog with a front controller': `upstream php { server unix:/run/php/blog.sock; }
server {
    listen 80;
    server_name blog.example;
    root /srv/blog;
    client_max_body_size 64m;
    location = /favicon.ico { log_not_found off; access_log off; }
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ \\.php$ {
        include fastcgi_params;
        fastcgi_intercept_errors on;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_buffers 16 16k;
        fastcgi_buffer_size 32k;
        fastcgi_pass php;
    }
    location ~* \\.(?:js|css|png)$ { expires max; access_log off; }
}`,
  'a program behind a socket, with its error page': `upstream app { server unix:/tmp-app/gunicorn.sock fail_timeout=0; }
server {
    listen 80;
    server_name app.example;
    client_max_body_size 4G;
    keepalive_timeout 5;
    root /srv/app/static;
    location / { try_files $uri @proxy_to_app; }
    location @proxy_to_app {
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Host $http_host;
        proxy_redirect off;
        proxy_pass http://app;
    }
    error_page 500 502 503 504 /500.html;
    location = /500.html { root /srv/app/static; }
}`,
  'WebSockets as the documentation of nginx has them': `map $http_upgrade $connection_upgrade { default upgrade; '' close; }
server {
    listen 80;
    location /chat/ {
        proxy_pass http://192.0.2.10:3000;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }
}`,
  'kept connections as the documentation of nginx has them': `upstream http_backend { server 192.0.2.10:8080; server 192.0.2.11:8080; keepalive 16; }
upstream memcached_backend { server 192.0.2.12:11211; keepalive 32; }
upstream fastcgi_backend { server 192.0.2.13:9000; keepalive 8; }
server {
    listen 80;
    location /http/ { proxy_pass http://http_backend; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /memcached/ { set $memcached_key $uri; memcached_pass memcached_backend; }
    location /fastcgi/ { include fastcgi.conf; fastcgi_pass fastcgi_backend; fastcgi_keep_conn on; }
}`,
  'gRPC with HTTP/2': `server {
    listen 443 ssl http2;
    server_name rpc.example;
    ssl_certificate /etc/ssl/rpc.crt;
    ssl_certificate_key /etc/ssl/rpc.key;
    location / { grpc_pass grpc://192.0.2.10:50051; error_page 502 = /error502grpc; }
    location = /error502grpc { internal; default_type application/grpc; add_header grpc-status 14; return 204; }
}`,
  'a program with a sign-in in front of it': `server {
    listen 443 ssl;
    server_name wiki.example;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    location /oauth2/ { proxy_pass http://192.0.2.10:4180; proxy_set_header Host $host; proxy_set_header X-Auth-Request-Redirect $request_uri; }
    location = /oauth2/auth { internal; proxy_pass http://192.0.2.10:4180; proxy_set_header Host $host; proxy_set_header Content-Length ""; proxy_pass_request_body off; }
    location / { auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in; proxy_pass http://192.0.2.11:8080; proxy_set_header Host $host; }
}`,
  'a registry of images': `server {
    listen 443 ssl;
    server_name registry.example;
    client_max_body_size 0;
    chunked_transfer_encoding on;
    location /v2/ {
        proxy_pass http://192.0.2.10:5000;
        proxy_set_header Host $http_host;
        proxy_read_timeout 900;
    }
}`,
  uWSGI: `server {
    listen 80;
    location / { include fastcgi_params; uwsgi_param REQUEST_METHOD $request_method; uwsgi_pass unix:/run/uwsgi/app.sock; uwsgi_read_timeout 300; }
}`,
  'dashboards with live data': `map $http_upgrade $connection_upgrade { default upgrade; '' close; }
upstream dashboards { server 192.0.2.10:3000; }
server {
    listen 80;
    location / { include proxy_params; proxy_pass http://dashboards; }
    location /api/live/ {
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host;
        proxy_pass http://dashboards;
    }
}`,
  'a page for JavaScript and its API': `server {
    listen 80;
    root /srv/site;
    location / { try_files $uri /index.html; }
    location /api/ {
        proxy_pass http://192.0.2.10:4000/;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection 'upgrade';
        proxy_set_header Host $host;
        proxy_cache_bypass $http_upgrade;
    }
}`,
  'a spare backend for a failing one': `server {
    listen 80;
    location / { proxy_pass http://192.0.2.10:8080; proxy_intercept_errors on; error_page 502 503 504 = @spare; proxy_connect_timeout 2s; proxy_read_timeout 10s; }
    location @spare { proxy_pass http://192.0.2.11:8080; }
}`,
  'two hops of one host': `server {
    listen 80;
    location / { proxy_pass http://127.0.0.1:8081; proxy_read_timeout 70s; client_max_body_size 10m; }
}
server {
    listen 127.0.0.1:8081;
    client_max_body_size 10m;
    location / { proxy_pass http://192.0.2.10:8080; }
}`,
};

it.each(Object.entries(sites).flatMap(([name, site]) => ['1.22.1', '1.28.0', '1.31.5'].map(version => ({ name, site, version }))))(
  'has nothing against $name with nginx $version',
  ({ site, version }) => {
    const text = { ...debian, '/etc/nginx/sites-enabled/site': site };
    const { findings } = lintText(rules, { text, version });
    expect(findings.map(({ rule, source }) => `${rule}: ${source.trim()}`)).toEqual([]);
  },
);
