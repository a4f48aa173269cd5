{
  'targets': [
    {
      'target_name': 'retrace_test_addon',
      'sources': ['membrane.cc'],
      'cflags': ['-O1', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-cast-function-type'],
      'defines': ['NAPI_VERSION=8'],
    },
  ],
}
