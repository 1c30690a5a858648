/** Where package.json and the pages of the catalogue lie: two folders up from here, and from `dist/cli`, where all of the program is bundled. */
export const packageFolder = new URL('../../', import.meta.url);
