/** What the formats of logs are for the rest of the program. */
export { headBytes } from './head-lines.ts';
export { recognise } from './recognise.ts';
export { formatNames, formatsByName, knownFormats } from './named.ts';
export { isApacheFormat } from './apache-format.ts';
export { nginxFormat } from './nginx-format.ts';
export { formatOfText, parseLogFormats } from './log-format-directives.ts';
export { hourReader, type LogZone } from './hour-reader.ts';
