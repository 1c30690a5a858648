/** The newest nginx whose defaults are known here (CHANGES of nginx 1.31.5); taken where no version is named and none is installed. */
export const newestKnownVersion = '1.31.5';
