/**
 * Ids of the catalogue that no fault stands behind yet. A fault may already lead to one of them; once it is written, it
 * leaves this list.
 */
export const plannedFaults: readonly string[] = [];
