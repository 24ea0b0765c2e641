"""Speed and memory, each against a plain reference written here: ``python -m benchmarks``.

==============  ====================================================================
``cases``       what is measured, one row each; ``sizes``: how much of it
``measured``    what a measurement says of itself; ``worker``: one measurement in a process of its own
``machine``     which machine this is, and how fast it multiplies: the limit
``reference``   the same work in the way of a tutorial, with the same weights
``inputs``      the model, the pictures, the texts and the caches that are measured with
``features``    pictures -> the cache; ``training``: steps, epochs, memory; ``decoding``: greedy and with beams
``light``       scores, phantoms, import, the command line, the whole demo
``growth``      the same work for more and more images, and a cache as large as MIMIC-CXR's
``summary``     from measurements to rows; ``report`` writes them, ``figure`` draws them
==============  ====================================================================

Every measurement runs in a process of its own, so that its peak memory is its own. The measuring process is the only heavy one:
this package imports TensorFlow in the workers only.
"""
