#pragma once

// Compiles the function once per instruction set and picks at load time, so that one binary uses
// AVX2 where it is. Elsewhere the baseline (NEON on arm64) is what the compiler targets anyway. Not
// under sanitizers (LAPTIME_SANITIZED, from the build): their run time is not ready when the loader
// resolves the choice, and the program would crash before main.
#if defined(__x86_64__) && defined(__linux__) && !defined(LAPTIME_SANITIZED)
#define LAPTIME_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define LAPTIME_VECTOR_CLONES
#endif

// The same for a function template, which clang does not offer.
#ifdef __clang__
#define LAPTIME_TEMPLATE_CLONES
#else
#define LAPTIME_TEMPLATE_CLONES LAPTIME_VECTOR_CLONES
#endif
