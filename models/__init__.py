"""What the signal means: contract, artifact, runtimes, decoder, decision stages."""
