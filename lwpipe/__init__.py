"""lwpipe: model 3D faces by parts with a locally weighted mesh autoencoder."""
