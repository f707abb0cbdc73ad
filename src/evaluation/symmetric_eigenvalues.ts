/**
 * Eigenvalues of a symmetric matrix, without its eigenvectors: a decomposition that makes both takes
 * eight times as long at width 2048.
 *
 * Householder reflections to tridiagonal form, then QL with implicit shifts: the procedures tred1
 * and imtql1 of Martin, Reinsch and Wilkinson (Numerische Mathematik 11 and 12, 1968), which EISPACK
 * took over.
 */

/** More sweeps than any eigenvalue has been known to need. */
const MOST_SWEEPS = 60;

/**
 * Eigenvalues, largest first. Each is exact up to about 1e-16 of the largest magnitude times the
 * size. All are NaN where the matrix holds a number that is not finite.
 *
 * @param matrix (size, size), symmetric; only its lower triangle is read
 */
export function symmetricEigenvalues(matrix: Float64Array, size: number): Float64Array {
  if (!matrix.every(Number.isFinite)) return new Float64Array(size).fill(NaN);
  return implicitQl(tridiagonal(lowerRows(matrix, size))).sort().reverse();
}

/** A symmetric matrix with zeros but on the diagonal and beside it. */
interface Tridiagonal {
  diagonal: Float64Array;
  /** below[i] stands left of diagonal[i]; below[0] is 0. */
  below: Float64Array;
}

function lowerRows(matrix: Float64Array, size: number): Float64Array[] {
  return Array.from({ length: size }, (_, i) => matrix.slice(i * size, i * size + i + 1));
}

/**
 * Takes the rows of the lower triangle from the last to the first; they are overwritten. A reflection
 * I - u u^T / h, with u in place of a row, leaves of it only the number beside the diagonal. It
 * changes the rows above by - u q^T - q u^T; that is done while the next one multiplies them, because
 * reading them is what takes time.
 */
function tridiagonal(rows: Float64Array[]): Tridiagonal {
  const size = rows.length;
  const diagonal = new Float64Array(size), below = new Float64Array(size);
  let before: Update = { u: new Float64Array(size), q: new Float64Array(size) };
  for (let last = size - 1; last >= 0; last--) {
    const row = rows[last];
    updateRow(row, last, before);
    diagonal[last] = row[last];
    if (last === 0) break;
    const u = row.subarray(0, last), { h, beside } = reflection(u);
    below[last] = beside;
    before = { u, q: updateAndMultiply(rows, before, u, h) };
  }
  return { diagonal, below };
}

/** What the reflection before adds to the rows above its own: - u q^T - q u^T. */
interface Update {
  u: Float64Array;
  q: Float64Array;
}

function updateRow(row: Float64Array, j: number, { u, q }: Update): void {
  const a = u[j], b = q[j];
  for (let k = 0; k <= j; k++) row[k] -= a * q[k] + b * u[k];
}

/** Turns a row into its u, of a unit row so that no square underflows; gives h, and what stays of it. */
function reflection(u: Float64Array): { h: number; beside: number } {
  const last = u.length - 1, end = u[last];
  if (u.subarray(0, last).every((value) => value === 0)) {
    u.fill(0);
    return { h: 1, beside: end };
  }
  const norm = Math.hypot(...u), root = end < 0 ? 1 : -1;
  for (let k = 0; k <= last; k++) u[k] /= norm;
  const h = 1 - u[last] * root;
  u[last] -= root;
  return { h, beside: root * norm };
}

/** Updates the rows above, and gives q = p - (p . u / 2 h) u with p = A u / h. */
function updateAndMultiply(
  rows: readonly Float64Array[],
  { u: oldU, q: oldQ }: Update,
  u: Float64Array,
  h: number,
): Float64Array {
  const size = u.length, q = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    const row = rows[j], a = oldU[j], b = oldQ[j], factor = u[j];
    let dot = 0;
    for (let k = 0; k < j; k++) {
      const value = row[k] - a * oldQ[k] - b * oldU[k];
      row[k] = value;
      dot += value * u[k];
      q[k] += value * factor;
    }
    row[j] -= 2 * a * b;
    q[j] += dot + row[j] * factor;
  }
  let along = 0;
  for (let j = 0; j < size; j++) along += (q[j] /= h) * u[j];
  for (let j = 0; j < size; j++) q[j] -= along / (2 * h) * u[j];
  return q;
}

/** Diagonalises by plane rotations, each sweep from the lower end; gives the diagonal, unsorted. */
function implicitQl({ diagonal: d, below }: Tridiagonal): Float64Array {
  const size = d.length;
  const e = new Float64Array(size);
  e.set(below.subarray(1));
  for (let l = 0; l < size; l++) {
    for (let sweep = 0;; sweep++) {
      let m = l;
      while (
        m < size - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))
      ) m++;
      if (m === l) break;
      if (sweep === MOST_SWEEPS) {
        throw new RangeError(`Cannot find eigenvalue ${l}: no convergence in ${sweep} sweeps`);
      }
      let g = (d[l + 1] - d[l]) / (2 * e[l]), r = Math.hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r));
      let s = 1, c = 1, p = 0, i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i], b = c * e[i];
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return d;
}
