/* Compiled as C: bmx.h must be valid C99, and a model must run without any C++ in sight. Returns NULL or what
 * failed. */
#include <stdio.h>
#include <string.h>

#include <bmx/bmx.h>

const char* use_from_c(const void* file, size_t size, const float* input, const int64_t* shape, size_t rank,
                       float* output, size_t outputs);

const char* use_from_c(const void* file, size_t size, const float* input, const int64_t* shape, size_t rank,
                       float* output, size_t outputs) {
  static char message[256];
  bmx_model* model = NULL;
  bmx_session* session = NULL;
  bmx_array array;
  bmx_array result;
  bmx_status* status = bmx_model_from_memory(file, size, NULL, &model);
  if (!status) status = bmx_session_create(model, &session);
  bmx_model_free(model); /* the session keeps what it needs */
  array.data = input;
  array.type = BMX_FLOAT32;
  array.shape = shape;
  array.rank = rank;
  if (!status) status = bmx_session_run(session, &array, 1);
  if (status) {
    snprintf(message, sizeof(message), "%s", bmx_status_message(status));
    bmx_status_free(status);
    bmx_session_free(session);
    return message;
  }
  result = bmx_session_output(session, 0);
  memcpy(output, result.data, outputs * sizeof(float));
  bmx_session_free(session);
  return NULL;
}
