/** A string that only its own constructor makes, so that four kinds of "name" cannot be mixed up. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
