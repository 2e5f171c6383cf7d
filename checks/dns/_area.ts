export const title = 'Names across clusters';
export const order = 7;
