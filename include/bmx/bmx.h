/* bmx: run packed binary networks (.bmx files) from C.
 *
 * A model is immutable and may be shared by threads; each thread runs it through a session of its own.
 * Functions that can fail return a bmx_status*: NULL means success, anything else holds a code and one
 * sentence, and is to be freed with bmx_status_free. Nothing is printed, no global state is kept.
 *
 *   bmx_model* model = NULL;
 *   bmx_status* status = bmx_model_open("lenet.bmx", NULL, &model);
 *   if (status) { fprintf(stderr, "%s\n", bmx_status_message(status)); bmx_status_free(status); return 1; }
 */
#ifndef BMX_H_
#define BMX_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define BMX_API __attribute__((visibility("default")))
#else
#define BMX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bmx_status bmx_status;
typedef struct bmx_model bmx_model;
typedef struct bmx_session bmx_session;

typedef enum bmx_code {
  BMX_OK = 0,
  BMX_INVALID_ARGUMENT = 1, /* the caller's values do not fit: shape, type, name, size */
  BMX_UNSUPPORTED = 2,      /* well formed, but this build or this CPU has no implementation */
  BMX_CORRUPT_FILE = 3,     /* the bytes are not a valid .bmx file */
  BMX_IO = 4,               /* the operating system refused */
  BMX_OUT_OF_MEMORY = 5
} bmx_code;

typedef enum bmx_type { BMX_FLOAT32 = 0, BMX_INT32 = 1, BMX_UINT8 = 2 } bmx_type;

/* An array in C order whose first axis is the batch. */
typedef struct bmx_array {
  const void* data;
  bmx_type type;
  const int64_t* shape;
  size_t rank;
} bmx_array;

/* "0.1.0". Static. */
BMX_API const char* bmx_version(void);

BMX_API bmx_code bmx_status_code(const bmx_status* status); /* BMX_OK for NULL */
BMX_API const char* bmx_status_message(
    const bmx_status* status);                    /* "" for NULL; lives as long as the status */
BMX_API void bmx_status_free(bmx_status* status); /* NULL is fine */

/* isa: NULL or "auto" for the best instruction set of this CPU, or one of those that `bmx-run --help` lists,
 * such as "scalar" or "avx2". *model is set on success. */
BMX_API bmx_status* bmx_model_open(const char* path, const char* isa, bmx_model** model);
/* The bytes are copied. */
BMX_API bmx_status* bmx_model_from_memory(const void* data, size_t size, const char* isa, bmx_model** model);
/* Sessions keep what they need of the model, so it may be freed before them. NULL is fine. */
BMX_API void bmx_model_free(bmx_model* model);

/* Strings and shapes below live as long as the model. An index out of range gives NULL or 0. */
BMX_API const char* bmx_model_isa(const bmx_model* model);
BMX_API const char* bmx_model_describe(const bmx_model* model); /* a JSON object */

BMX_API size_t bmx_model_input_count(const bmx_model* model);
BMX_API const char* bmx_model_input_name(const bmx_model* model, size_t index);
/* Shape of one sample, without the batch. */
BMX_API const int64_t* bmx_model_input_shape(const bmx_model* model, size_t index, size_t* rank);
/* BMX_FLOAT32, or BMX_UINT8 for an input that takes nothing else. */
BMX_API bmx_type bmx_model_input_type(const bmx_model* model, size_t index);
/* 1 if the input takes BMX_UINT8: as it is, or as well as BMX_FLOAT32, converted as the file says. */
BMX_API int bmx_model_input_takes_uint8(const bmx_model* model, size_t index);

BMX_API size_t bmx_model_output_count(const bmx_model* model);
BMX_API const char* bmx_model_output_name(const bmx_model* model, size_t index);
BMX_API const int64_t* bmx_model_output_shape(const bmx_model* model, size_t index, size_t* rank);
/* BMX_INT32 for 32-bit integers, BMX_FLOAT32 for everything else: bits arrive as -1 and +1, integers of fewer
 * bits as the same numbers. */
BMX_API bmx_type bmx_model_output_type(const bmx_model* model, size_t index);

/* Labels of the last axis of the first output; 0 if the file has none. */
BMX_API size_t bmx_model_class_count(const bmx_model* model);
BMX_API const char* bmx_model_class_name(const bmx_model* model, size_t index);

/* One thread at a time may use a session. */
BMX_API bmx_status* bmx_session_create(const bmx_model* model, bmx_session** session);
/* As above with several threads, 1 to 256, the caller of bmx_session_run among them. Results are equal to
 * those of one thread, bit for bit. */
BMX_API bmx_status* bmx_session_create_threads(const bmx_model* model, int threads, bmx_session** session);
BMX_API void bmx_session_free(bmx_session* session);

/* inputs: one array for each input of the model, BMX_FLOAT32 or BMX_UINT8, with equal batches. The arrays are
 * read during the call only. Memory is allocated only if the batch is larger than any before. */
BMX_API bmx_status* bmx_session_run(bmx_session* session, const bmx_array* inputs, size_t count);
/* Result of the last run, valid until the next; data is NULL before the first one and for an index out of
 * range. */
BMX_API bmx_array bmx_session_output(const bmx_session* session, size_t index);

/* Runs once uncounted, then `runs` times with a clock around each step. *json: an object with the keys isa,
 * threads, batch, runs, median_ms and steps; each step has node, nodes (that one and those fused with it),
 * op, ms (median), share, macs (for one sample) and gmacs_per_s. Valid until the next profile of the session.
 */
BMX_API bmx_status* bmx_session_profile(bmx_session* session, const bmx_array* inputs, size_t count,
                                        int64_t runs, const char** json);

#ifdef __cplusplus
}
#endif

#endif /* BMX_H_ */
