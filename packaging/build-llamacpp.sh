#!/bin/sh
# Builds xllamacpp from its source distribution once for every level of x86-64 processors, for the installers: one wheel
# per level in build/llamacpp/LEVEL. The published wheel is for AVX2, the lowest of them.
#
#   packaging/build-llamacpp.sh [LEVEL ...]      without arguments all of: avx2 avx512 avx512-vnni
#
# Needs Linux on x86-64, a C++ compiler, CMake, a Rust toolchain and Python with pip. Each level takes long: the
# whole of llama.cpp is compiled. xllamacpp links llama.cpp statically, so that llama.cpp's own way of several variants
# in one library (GGML_CPU_ALL_VARIANTS with GGML_BACKEND_DL) cannot be used; an installer carries the wheel that fits
# the machine it is for, or several and picks one by the processor's flags.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^xllamacpp==//p' "$here/packaging/constraints.txt")
out=$here/build/llamacpp
python=${PYTHON:-python3}

flags_of() {
    common="-DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON"
    case $1 in
    avx2) echo "$common" ;;
    avx512) echo "$common -DGGML_AVX512=ON" ;;
    avx512-vnni) echo "$common -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON" ;;
    *)
        echo "there is no level $1; there are avx2, avx512, avx512-vnni" >&2
        return 1
        ;;
    esac
}

[ $# -gt 0 ] || set -- avx2 avx512 avx512-vnni
for level in "$@"; do
    flags=$(flags_of "$level")
    mkdir -p "$out/$level"
    echo "Building xllamacpp $version for $level"
    CMAKE_ARGS="$flags" "$python" -m pip wheel --no-deps --no-cache-dir --no-binary xllamacpp \
        --wheel-dir "$out/$level" "xllamacpp==$version"
done
