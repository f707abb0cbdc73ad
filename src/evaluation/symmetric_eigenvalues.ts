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

/** Takes the rows of the lower triangle from the last to the first; they are overwritten. */
function tridiagonal(rows: Float64Array[]): Tridiagonal {
  const size = rows.length;
  const diagonal = new Float64Array(size), below = new Float64Array(size);
  const product = new Float64Array(size);
  for (let last = size - 1; last > 0; last--) {
    // I - u u^T / h, with u in place of the row, leaves of it only the number beside the diagonal.
    const u = rows[last].subarray(0, last);
    diagonal[last] = rows[last][last];
    let scale = 0;
    for (let k = 0; k < last - 1; k++) scale += Math.abs(u[k]);
    if (scale === 0) {
      below[last] = u[last - 1];
      continue;
    }
    scale += Math.abs(u[last - 1]);
    let h = 0;
    for (let k = 0; k < last; k++) {
      u[k] /= scale;
      h += u[k] * u[k];
    }
    const beside = u[last - 1], root = beside < 0 ? Math.sqrt(h) : -Math.sqrt(h);
    below[last] = scale * root;
    h -= beside * root;
    u[last - 1] = beside - root;
    reflect(rows, u, h, product);
  }
  if (size > 0) diagonal[0] = rows[0][0];
  return { diagonal, below };
}

/** A := (I - u u^T / h) A (I - u u^T / h), the lower triangle of A being the first rows. */
function reflect(
  rows: readonly Float64Array[],
  u: Float64Array,
  h: number,
  product: Float64Array,
): void {
  const size = u.length;
  product.fill(0, 0, size);
  for (let j = 0; j < size; j++) {
    const row = rows[j], factor = u[j];
    let dot = row[j] * factor;
    for (let k = 0; k < j; k++) {
      dot += row[k] * u[k];
      product[k] += row[k] * factor;
    }
    product[j] += dot;
  }
  let along = 0;
  for (let j = 0; j < size; j++) along += (product[j] /= h) * u[j];
  const half = along / (2 * h);
  for (let j = 0; j < size; j++) product[j] -= half * u[j];
  for (let j = 0; j < size; j++) {
    const row = rows[j], a = u[j], b = product[j];
    for (let k = 0; k <= j; k++) row[k] -= a * product[k] + b * u[k];
  }
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
